interface Payload {
  readonly client_id?: string;
  readonly uid?: string;
  readonly grantId?: string;
  consumed?: number;
}

/**
 * What oidc-provider keeps of one login's run, by model and id, its clients first. Nothing runs out: a run lasts as long as its
 * spec. (Clients of its configuration would be cloned, and their keys refused where a suite has realms of its own.)
 */
export function loginStore(clients: readonly { readonly client_id: string }[]) {
  const kept = new Map<string, Payload>(clients.map((client) => [`Client ${client.client_id}`, client]));
  return class LoginStore {
    constructor(private readonly model: string) {}

    async upsert(id: string, payload: Payload): Promise<void> {
      kept.set(`${this.model} ${id}`, payload);
    }

    async find(id: string): Promise<Payload | undefined> {
      return kept.get(`${this.model} ${id}`);
    }

    async findByUid(uid: string): Promise<Payload | undefined> {
      return [...kept].find(([key, payload]) => key.startsWith(`${this.model} `) && payload.uid === uid)?.[1];
    }

    async consume(id: string): Promise<void> {
      const payload = kept.get(`${this.model} ${id}`);
      if (payload) payload.consumed = Math.floor(Date.now() / 1_000);
    }

    async destroy(id: string): Promise<void> {
      kept.delete(`${this.model} ${id}`);
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
    }
  };
}
