/**
 * Keeps from asking again at once what just did not answer. After a failure nobody asks for `breakMs`; then one does while the others
 * still go without, and its outcome ends the break or begins the next.
 *
 * Bound: what never answers costs its time-out to those who were asking when it stopped, and then to one question in each
 * `breakMs` + time-out.
 */
export class ShortBreak {
  private until = Number.NEGATIVE_INFINITY;
  private isFailing = false;
  private isTrying = false;

  constructor(
    private readonly breakMs: number,
    /** ms of real time, not of the platform's clock. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The question's answer, or undefined where it was not asked. Throws what the question throws. */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (this.isFailing && (this.isTrying || this.now() < this.until)) return undefined;
    const isTrial = this.isFailing;
    if (isTrial) this.isTrying = true;
    try {
      const answer = await question();
      this.isFailing = false;
      return answer;
    } catch (error) {
      this.isFailing = true;
      this.until = this.now() + this.breakMs;
      throw error;
    } finally {
      if (isTrial) this.isTrying = false;
    }
  }
}
