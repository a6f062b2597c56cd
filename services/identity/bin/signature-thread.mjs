// A thread that checks signatures. Its one source has types that Node strips itself: no module hook to load, so it is there in 40 ms.
const { serveSignatures } = await import(new URL('../src/verification/signature-work.ts', import.meta.url).href);
serveSignatures();
