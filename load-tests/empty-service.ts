// A service with a POST and a GET that do nothing: what authentication, parsing, validation and answering cost by themselves.
// Runs as a process of its own on the database server named by TSUNAGU_TEST_POSTGRES_URL; prints { url, tokens } when it listens.
import { Body, Controller, Get, HttpCode, Module, Post } from '@nestjs/common';
import { newId } from '@tsunagu/kernel';
import { Roles, type ServiceDefinition } from '@tsunagu/service-host';
import { startTestService } from '@tsunagu/service-host/testing';
import { IsUUID } from 'class-validator';

/** As many as the balances of the bench belong to. */
const PERSONS = 1_000;

class EmptyRequest {
  @IsUUID()
  measureId: string;
}

@Controller('campaign/v1/empty')
class EmptyController {
  @Post()
  @Roles('citizen')
  @HttpCode(200)
  post(@Body() body: EmptyRequest): EmptyRequest {
    return body;
  }

  @Get()
  @Roles('citizen')
  get(): { empty: true } {
    return { empty: true };
  }
}

@Module({ controllers: [EmptyController] })
class EmptyModule {}

const definition: ServiceDefinition = {
  name: 'campaign',
  segments: ['campaign'],
  schema: 'empty_service',
  migrations: new URL('./no-migrations/', import.meta.url),
  consumes: [],
  config: () => undefined,
  projections: [],
  module: () => EmptyModule,
};

const service = await startTestService(definition, { clockMs: Date.now() });
const persons = Array.from({ length: PERSONS }, () => newId(Date.now()));
const tokens = await Promise.all(persons.map((subject) => service.token({ role: 'citizen', subject })));
console.log(JSON.stringify({ url: `${service.url}/campaign/v1/empty`, tokens }));
process.once('SIGTERM', () => {
  void service.close().then(() => process.exit(0));
});
