/** `tunesmith cache`: how many answers of models are kept, and how to forget them. */
import type { Command } from 'commander';
import { l10n } from '../../base/l10n.ts';
import { bytesText } from '../../core/jobs/estimate.ts';
import type { Cli } from '../cli.ts';

export function registerCache(program: Command, cli: Cli): void {
  const cache = program.command('cache').description(l10n.t('answers of earlier runs: show, clear'));
  cache
    .command('show', { isDefault: true })
    .description(l10n.t('how many answers are kept, and where'))
    .option('--json', l10n.t('as JSON'))
    .action(async ({ json }: { json?: boolean }) => {
      const { folder } = cli.responses;
      const size = await cli.responses.size();
      if (json) cli.out(`${JSON.stringify({ folder, ...size })}\n`);
      else cli.out(`${l10n.t('{0} answers, {1}, in {2}', size.answers, bytesText(size.bytes), folder)}\n`);
    });
  cache
    .command('clear')
    .description(l10n.t('forget all of them; runs and rankings stay'))
    .action(async () => {
      const { answers, bytes } = await cli.responses.clear();
      cli.out(`${l10n.t('{0} answers forgotten, {1} freed', answers, bytesText(bytes))}\n`);
    });
}
