/** What a child process gets of the environment: what programs need to run, and no key of any service. */

const wanted =
  /^(PATH|HOME|USERPROFILE|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|SYSTEMROOT|WINDIR|COMSPEC|TEMP|TMP|TMPDIR|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|OMP_NUM_THREADS|HF_HOME|HF_HUB_CACHE|XDG_CACHE_HOME|XDG_DATA_HOME|TUNESMITH_HOME|TUNESMITH_MEMORY_LIMIT|TUNESMITH_ACCELERATOR|XDG_RUNTIME_DIR|VK_\w+)$/i;

/** Where `src/worker/language.ts` looks for the translations. */
export const languageOf = (bundleFile: string | undefined): Record<string, string> =>
  bundleFile === undefined ? {} : { TUNESMITH_L10N: bundleFile };

export function childEnvironment(
  extra: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && wanted.test(name)) kept[name] = value;
  }
  return { ...kept, ...extra };
}
