import { jest } from '@jest/globals';
import { Closers } from './closers.js';

let said: string[];
beforeEach(() => {
  said = [];
  jest.spyOn(console, 'error').mockImplementation((line) => void said.push(String(line)));
});
afterEach(() => {
  jest.restoreAllMocks();
});

it('closes in the opposite order, each step after the one before it', async () => {
  const closers = new Closers();
  const order: string[] = [];
  for (const name of ['one', 'two', 'three']) {
    closers.add(name, async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
    });
  }
  await closers.closeAll();
  expect(order).toEqual(['three begins', 'three ends', 'two begins', 'two ends', 'one begins', 'one ends']);
  expect(said).toEqual([]);
});

it('goes on after steps that fail, throw or never end, and names them', async () => {
  const closers = new Closers(5);
  let isLastClosed = false;
  closers.add('the last', () => {
    isLastClosed = true;
  });
  closers.add('a hanging one', () => new Promise(() => {}));
  closers.add('a failing one', () => Promise.reject(new Error('no')));
  closers.add('a throwing one', () => {
    throw new Error('never');
  });
  await closers.closeAll();
  expect(isLastClosed).toBe(true);
  expect(said).toEqual([
    'a throwing one did not stop cleanly: never',
    'a failing one did not stop cleanly: no',
    'a hanging one did not stop cleanly: it took longer than 5 ms',
  ]);
});
