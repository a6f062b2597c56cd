import { bootService } from '@tsunagu/service-host';
import { definition } from './index.js';

await bootService(definition);
