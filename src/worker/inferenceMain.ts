/** The child process that runs local models: tests what this computer can do, says hello, and serves. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { RuntimeReport } from '../protocol/inference.ts';
import { cacheFolder } from '../storage/workspaceLayout.ts';
import { findAccelerator } from './accelerator.ts';
import { InferenceServer, type Send } from './inferenceServer.ts';
import { useLanguageOfStarter } from './language.ts';
import { selfTest } from './selfTest.ts';

async function main(send: Send): Promise<void> {
  useLanguageOfStarter();
  const accelerator = await findAccelerator(process.env.TUNESMITH_ACCELERATOR);
  const abilities = { ...(await selfTest()), provider: accelerator.provider };
  const server = new InferenceServer(send, abilities, () => process.disconnect?.(), join(cacheFolder(), 'weights'));
  process.on('message', message => void server.receive(message));
  const report: RuntimeReport = {
    runtime: `onnxruntime-node ${process.platform}-${process.arch}`,
    node: process.versions.electron ? `Electron ${process.versions.electron}` : `Node ${process.versions.node}`,
    threads: availableParallelism(),
    ...abilities,
  };
  send({ type: 'hello', protocol: 1, report });
  accelerator.measureWhenQuiet();
}

if (process.send) {
  const channel = process.send.bind(process);
  process.on('disconnect', () => process.exit(0));
  void main(event => channel(event, undefined, {}, error => error && process.exit(0)));
}
