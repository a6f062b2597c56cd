import { bootService } from '@tsunagu/service-host';
import { definition } from './definition.js';

await bootService(definition);
