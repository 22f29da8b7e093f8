// Where a provider keeps what it grants: one store per server. oidc-provider's own is one for the whole process, and
// forgets the oldest of a thousand entries, which a long test has. When an entry ends the provider itself checks.

export function newStore() {
  const entries = new Map();
  return class Store {
    #model;

    constructor(model) {
      this.#model = model;
    }

    async upsert(id, payload) {
      entries.set(this.#key(id), { model: this.#model, payload });
    }

    async find(id) {
      return entries.get(this.#key(id))?.payload;
    }

    async findByUid(uid) {
      return this.#mine().find(([, { payload }]) => payload.uid === uid)?.[1].payload;
    }

    async findByUserCode(code) {
      return this.#mine().find(([, { payload }]) => payload.userCode === code)?.[1].payload;
    }

    async consume(id) {
      entries.get(this.#key(id)).payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      entries.delete(this.#key(id));
    }

    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of this.#mine()) if (payload.grantId === grantId) entries.delete(key);
    }

    #key(id) {
      return `${this.#model} ${id}`;
    }

    #mine() {
      return [...entries].filter(([, { model }]) => model === this.#model);
    }
  };
}
