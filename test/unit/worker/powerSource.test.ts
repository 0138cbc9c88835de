import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pmsetPower, powerSource } from '../../../src/worker/powerSource.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('powerSource', () => {
  const mains = (online: string) => ({ type: 'Mains\n', online: `${online}\n` });
  const battery = (status: string) => ({ type: 'Battery\n', status: `${status}\n` });
  for (const [name, supplies, expected] of [
    ['a desktop', {}, 'unknown'],
    ['a laptop that is plugged in', { AC: mains('1'), BAT0: battery('Charging') }, 'mains'],
    ['a laptop that is not', { AC: mains('0'), BAT0: battery('Discharging') }, 'battery'],
    ['one that is plugged in and still discharges', { ADP1: mains('1'), BAT0: battery('Discharging') }, 'mains'],
    ['one charged by USB', { BAT0: battery('Full'), ucsi: { type: 'USB\n', online: '1\n' } }, 'mains'],
    ['one that names no mains', { BAT0: battery('Discharging'), BAT1: battery('Unknown') }, 'battery'],
    ['a desktop whose mouse has a battery', { m: { ...battery('Discharging'), scope: 'Device\n' } }, 'unknown'],
  ] as const) {
    it(`${name}: ${expected}`, async () => {
      const folder = memoryFolder();
      for (const [supply, files] of Object.entries(supplies as Record<string, Record<string, string>>)) {
        mkdirSync(join(folder, supply));
        for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, supply, file), text);
      }
      assert.equal(await powerSource('linux', folder), expected);
      rmSync(folder, { recursive: true });
    });
  }

  it('reads what macOS says', () => {
    const rest = '\n -InternalBattery-0 (id=1)\t81%; discharging; 4:12 remaining present: true\n';
    assert.equal(pmsetPower(`Now drawing from 'Battery Power'${rest}`), 'battery');
    assert.equal(pmsetPower(`Now drawing from 'AC Power'${rest}`), 'mains');
    assert.equal(pmsetPower('No batteries.\n'), 'unknown');
  });

  it('does not know where the system does not tell', async () => {
    assert.equal(await powerSource('win32'), 'unknown');
    assert.equal(await powerSource('linux', '/nowhere'), 'unknown');
  });
});
