import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { BaseRpcContext, type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom, type Observable, throwError } from 'rxjs';
import type { Feed, FeedBatch, FeedSubscription } from './contract.js';

/** A running consumer as a service's status shows it. */
export interface StrategySubscription {
  readonly topic: string;
  readonly group: string;
  readonly subscription: FeedSubscription;
}

/**
 * Connects `@EventPattern(topic)` methods to a feed: each gets whole batches as its `@Payload()`, and a batch counts as done only
 * when its handler has ended without an error. The microservice needs `useGlobalFilters(new KeepFeedErrors())`: Nest
 * replaces unknown errors by "Internal server error", and an outage could no longer be told from an error of a message.
 */
export class FeedStrategy extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  private readonly running: StrategySubscription[] = [];

  constructor(
    private readonly feed: Feed,
    /** Consumer group: the consuming service's name. */
    private readonly group: string,
  ) {
    super();
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      for (const [topic, handler] of this.getHandlers()) {
        if (!handler.isEventHandler) throw new Error(`${topic}: a feed serves event patterns only`);
        const subscription = await this.feed.subscribe({
          topic,
          group: this.group,
          handle: (batch) => this.handle(topic, handler, batch),
        });
        this.running.push({ topic, group: this.group, subscription });
      }
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Waits for the batches at hand. The feed itself belongs to the composition root and stays open. */
  async close(): Promise<void> {
    await Promise.all(this.running.splice(0).map(({ subscription }) => subscription.close()));
  }

  subscriptions(): readonly StrategySubscription[] {
    return [...this.running];
  }

  override on(): never {
    throw new Error('a feed has no events of its own');
  }

  override unwrap<T>(): T {
    return this.feed as T;
  }

  private async handle(topic: string, handler: MessageHandler, batch: FeedBatch): Promise<void> {
    const context = new BaseRpcContext([topic]);
    // A failing handler does not reject: it returns an Observable that errors when it is subscribed.
    const result: unknown = await handler(batch, context);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }
}

/** Leaves an error of a consumer as it is. */
@Catch()
export class KeepFeedErrors implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}
