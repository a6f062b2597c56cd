import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { schemaErrors, topics } from '@tsunagu/contracts';
import { type FeedBatch, UnprocessableMessage } from '@tsunagu/event-feed';
import { LinkErasures } from '../jobs/link-erasures.js';
import { ErasingLinks } from '../workflows/erasing-links.js';

/** Persons whom identity erased. What follows may have to wait for others, the feed does not. */
@Controller()
export class PersonEventsConsumer {
  constructor(
    private readonly erasing: ErasingLinks,
    private readonly erasures: LinkErasures,
  ) {}

  @EventPattern(topics.person)
  async onPersonEvents(@Payload() batch: FeedBatch): Promise<void> {
    const erased = batch.filter(({ type }) => type === 'PersonErased');
    for (const message of erased) {
      const [fault] = schemaErrors(message.type, message.schemaVersion, message.data);
      if (fault) throw new UnprocessableMessage(message.id, `${message.type}: ${fault}`);
      await this.erasing.begin(message);
    }
    if (erased.length > 0) this.erasures.soon();
  }
}
