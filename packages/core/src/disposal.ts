/** What is to be disposed together, the last that was added first. */
export interface Disposal extends AsyncDisposable {
  add<T extends AsyncDisposable>(each: T): T;
  /** Hands all that was added to another, who disposes it; this one has nothing left. */
  move(): Disposal;
}

/** Makes a list of what is to be disposed; the AsyncDisposableStack that Node 22 lacks. */
export function createDisposal(): Disposal {
  return disposalOf([]);
}

function disposalOf(held: AsyncDisposable[]): Disposal {
  return {
    add(each) {
      held.push(each);
      return each;
    },
    move: () => disposalOf(held.splice(0)),
    async [Symbol.asyncDispose]() {
      const errors: unknown[] = [];
      for (let each = held.pop(); each !== undefined; each = held.pop()) {
        try {
          await each[Symbol.asyncDispose]();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
}
