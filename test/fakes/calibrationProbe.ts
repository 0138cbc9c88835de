/** A measuring process for tests: `FAKE_PROBE` says after what it dies. */
import { writeFileSync } from 'node:fs';

const send = (message: unknown) => new Promise(sent => process.send!(message, undefined, {}, sent));
const measurement = (provider: string, milliseconds: number) => ({ provider, milliseconds, logProbs: [-1, -2.5] });

if (process.env.FAKE_PROBE_RUNS) writeFileSync(process.env.FAKE_PROBE_RUNS, '.', { flag: 'a' });
await send(measurement('cpu', 100));
switch (process.env.FAKE_PROBE) {
  case 'crash':
    process.kill(process.pid, 'SIGSEGV');
    break;
  case 'hang':
    setInterval(() => {}, 1000);
    break;
  case 'nonsense':
    await send({ provider: 'webgpu', milliseconds: 'fast', logProbs: null });
    process.exit(0);
    break;
  default:
    await send(measurement('webgpu', 20));
    process.exit(0);
}
