import type { Projection } from '@tsunagu/event-store';

/** Which machines there are, for an owner's list. What one is, is folded from its stream. */
export const clientsProjection: Projection = {
  name: 'clients',
  tables: ['clients'],
  types: ['ClientRegistered'],
  async apply(client, events) {
    await client.query(`insert into clients (client_id, owner_id) select * from unnest($1::text[], $2::text[])`, [
      events.map(({ data }) => (data as { clientId: string }).clientId),
      events.map(({ ownerId }) => ownerId),
    ]);
  },
};
