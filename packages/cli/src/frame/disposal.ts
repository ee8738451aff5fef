/** What is to be disposed together, the last that was added first. */
export interface Disposal extends AsyncDisposable {
  add<T extends AsyncDisposable>(each: T): T;
}

/** Makes a list of what is to be disposed; the AsyncDisposableStack that Node 22 lacks. */
export function createDisposal(): Disposal {
  const held: AsyncDisposable[] = [];
  return {
    add(each) {
      held.push(each);
      return each;
    },
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
