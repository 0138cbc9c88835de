/** Commands that add models: a folder or GGUF file on disk, one of the catalogue, a server. */
import type { Services } from '../services.ts';

export async function addModel(services: Services): Promise<void> {
  void services;
}
export async function downloadModel(services: Services): Promise<void> {
  void services;
}
