/** Whether this computer runs on its battery, where the system tells. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type PowerSource = 'battery' | 'mains' | 'unknown';

/** `folder` stands for Linux’s `/sys/class/power_supply` in tests. */
export async function powerSource(
  platform: NodeJS.Platform = process.platform,
  folder = '/sys/class/power_supply',
): Promise<PowerSource> {
  if (platform === 'linux') return linuxPower(folder);
  if (platform === 'darwin') {
    const told = promisify(execFile)('pmset', ['-g', 'batt'], { timeout: 5000 });
    return told.then(
      ({ stdout }) => pmsetPower(stdout),
      () => 'unknown',
    );
  }
  return 'unknown';
}

/** `Now drawing from 'Battery Power'`, the first line of `pmset -g batt`. */
export const pmsetPower = (output: string): PowerSource =>
  /^Now drawing from 'Battery/m.test(output) ? 'battery' : /^Now drawing from 'AC/m.test(output) ? 'mains' : 'unknown';

/** Source: Linux `Documentation/ABI/testing/sysfs-class-power`. Batteries of mice and the like have the scope `Device`. */
async function linuxPower(folder: string): Promise<PowerSource> {
  const read = (supply: string, name: string): Promise<string> =>
    readFile(join(folder, supply, name), 'utf8').then(
      text => text.trim(),
      () => '',
    );
  let [discharging, known] = [false, false];
  for (const supply of await readdir(folder).catch(() => [])) {
    if ((await read(supply, 'scope')) === 'Device') continue;
    const type = await read(supply, 'type');
    if (type === 'Battery') {
      known = true;
      discharging ||= (await read(supply, 'status')) === 'Discharging';
    } else if ((await read(supply, 'online')) === '1') return 'mains';
  }
  return discharging ? 'battery' : known ? 'mains' : 'unknown';
}
