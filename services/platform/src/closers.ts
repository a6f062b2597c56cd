/** What was started, to be stopped in the opposite order, each step given its chance whatever the others do. */
export class Closers {
  private readonly stack: { name: string; close: () => Promise<unknown> | unknown }[] = [];

  add(name: string, close: () => Promise<unknown> | unknown): void {
    this.stack.push({ name, close });
  }

  async closeAll(): Promise<void> {
    for (let step = this.stack.pop(); step; step = this.stack.pop()) {
      try {
        await step.close();
      } catch (error) {
        console.error(`${step.name} did not stop cleanly: ${(error as Error).message}`);
      }
    }
  }
}
