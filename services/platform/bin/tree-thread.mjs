// The thread that keeps the trees over the logs: TypeScript is compiled by the same module hook as in bin/tsunagu.mjs.
await import(new URL('../../../tools/hook.mjs', import.meta.url).href);
const { keepTrees } = await import(new URL('../src/tree-thread-work.ts', import.meta.url).href);
keepTrees();
