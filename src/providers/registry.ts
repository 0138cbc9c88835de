/** All models that a person can choose: the bundled one, imported ones, tuned ones with their lineage, servers' ones. */
import { isAbsolute, join, resolve } from 'node:path';
import type { Disposable } from '../base/disposable.ts';
import { HumanError } from '../base/errors.ts';
import { Emitter } from '../base/event.ts';
import { l10n } from '../base/l10n.ts';
import type { ModelReference } from '../core/jobs/job.ts';
import type { ImportedModel, ModelStore, StoredModel } from '../core/models.ts';
import type { ModelDescription, TextGenerator } from '../core/textGenerator.ts';
import type {
  ExportFormat,
  ExportType,
  InferenceProcess,
  ModelLocation,
  RequestContext,
} from '../jobs/inferenceProcess.ts';
import { LocalModel, looksLikeModel, modelNameOf, peekModel } from './local.ts';

/** Models that come from elsewhere: endpoints, the editor. */
export interface ModelProvider {
  list(): Promise<readonly ModelDescription[]>;
  /** Undefined for an id that is none of this provider's. */
  get(id: string): Promise<TextGenerator | undefined>;
}

export interface RegistryOptions {
  /** The package's folder, which holds `models/`. */
  readonly root: string;
  readonly store: ModelStore;
  readonly inference: InferenceProcess;
  readonly providers?: readonly ModelProvider[];
}

interface LocalEntry {
  readonly model: ModelDescription;
  readonly location: ModelLocation;
  readonly source: 'bundled' | 'imported' | 'tuned' | 'path';
  readonly imported?: ImportedModel;
  readonly tuned?: StoredModel;
}

const BundledModel = 'local:pebble';

export class ModelRegistry implements Disposable {
  readonly #options: RegistryOptions;
  readonly #changed = new Emitter<void>();
  /** One generator an id, so that what was learned about a model stays. */
  readonly #generators = new Map<string, { readonly key: string; readonly generator: LocalModel }>();

  /** Models were added or removed through this registry, or `refresh` was called. */
  readonly onDidChange = this.#changed.event;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Everything that answers prompts, the bundled model first. Reward models are not among them. */
  async list(): Promise<ModelDescription[]> {
    const local = (await this.#locals()).map(
      entry => this.#generators.get(entry.model.id)?.generator.model ?? entry.model,
    );
    const others = await Promise.all((this.#options.providers ?? []).map(provider => provider.list()));
    return [...local, ...others.flat()];
  }

  /** Trained reward models of the workspace, newest first. */
  async rewardModels(): Promise<StoredModel[]> {
    const models = (await this.#options.store.tuned()).filter(model => model.lineage.kind === 'reward');
    return models.sort((a, b) => (a.lineage.createdAt < b.lineage.createdAt ? 1 : -1));
  }

  /** The tuned model behind an id, with its lineage. */
  async tuned(id: string): Promise<StoredModel | undefined> {
    return (await this.#locals()).find(entry => entry.model.id === id)?.tuned;
  }

  /**
   * A model by its id, its name alone (`pebble`), or the path of a folder or a `.gguf` file.
   * Rejects with a HumanError that says which models there are.
   */
  async get(wanted: string): Promise<TextGenerator> {
    const entry = await this.#find(wanted);
    if (entry) return this.#generator(entry);
    for (const provider of this.#options.providers ?? []) {
      const generator = await provider.get(wanted);
      if (generator) return generator;
    }
    throw await this.#unknown(wanted);
  }

  /** A local model as a job names it: by its files, with the revision that they have now. */
  async reference(wanted: string): Promise<ModelReference> {
    const entry = await this.#find(wanted);
    if (!entry) {
      if ((await this.list()).some(model => model.id === wanted)) {
        throw new HumanError(l10n.t('Only local models can be trained. Choose one of them, for example pebble.'));
      }
      throw await this.#unknown(wanted);
    }
    const { revision } = await this.#generator(entry).load();
    return { id: entry.model.id, ...entry.location, revision };
  }

  /** Writes a local model, its adapter merged in, into a folder that does not exist yet. Returns what was made. */
  async export(
    wanted: string,
    how: { readonly to: string; readonly format: ExportFormat; readonly type: ExportType },
    context: RequestContext = {},
  ): Promise<{ readonly path: string; readonly bytes: number }> {
    const entry = await this.#find(wanted);
    if (!entry) {
      if ((await this.list()).some(model => model.id === wanted)) {
        throw new HumanError(l10n.t('Only local models can be exported: the files of this one are elsewhere.'));
      }
      throw await this.#unknown(wanted);
    }
    return this.#options.inference.export({ location: entry.location, ...how, to: resolve(how.to) }, context);
  }

  /** A trained reward model as a job names it, by the name of its folder. */
  async rewardReference(name: string): Promise<ModelReference> {
    const model = (await this.rewardModels()).find(candidate => candidate.name === name);
    if (!model)
      throw new HumanError(l10n.t('There is no reward model “{0}”. Train one from your rankings first.', name));
    const base = await this.#basePath(model);
    if (base === undefined) throw this.#baseIsGone(model);
    return { id: `local:${model.name}`, base, adapter: model.path };
  }

  /** Imports a folder or a `.gguf` file: reads it once, so that a broken one is refused with its reason. */
  async add(path: string, origin: { repository?: string; revision?: string } = {}): Promise<ModelDescription> {
    const absolute = resolve(path);
    if (!(await looksLikeModel(absolute))) {
      throw new HumanError(
        l10n.t('This is no model: choose a .gguf file, or a folder with config.json and safetensors files.'),
        { place: { file: absolute } },
      );
    }
    await this.#options.inference.load({ base: absolute });
    const imported = await this.#options.store.addImported({ name: modelNameOf(absolute), path: absolute, ...origin });
    this.refresh();
    return (await this.#locals()).find(entry => entry.imported?.name === imported.name)!.model;
  }

  /** Forgets an imported model or deletes a tuned one. */
  async remove(id: string): Promise<void> {
    const entry = (await this.#locals()).find(candidate => candidate.model.id === id);
    if (entry?.imported) await this.#options.store.removeImported(entry.imported.name);
    else if (entry?.tuned) await this.#options.store.removeTuned(entry.tuned.name);
    else {
      const reward = (await this.rewardModels()).find(model => `local:${model.name}` === id);
      if (!reward) throw new HumanError(l10n.t('Only imported and tuned models can be removed.'));
      await this.#options.store.removeTuned(reward.name);
    }
    this.refresh();
  }

  /** Tells listeners to look again, for example after a job made a model. */
  refresh(): void {
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }

  async #locals(): Promise<LocalEntry[]> {
    const { root, store } = this.#options;
    const entries: LocalEntry[] = [];
    const taken = new Set<string>();
    const add = async (
      name: string,
      detail: string,
      location: ModelLocation,
      rest: Pick<LocalEntry, 'source' | 'imported' | 'tuned'>,
    ) => {
      let id = `local:${name}`;
      if (taken.has(id)) id = `${rest.source}:${name}`;
      taken.add(id);
      const { contextLength, chat } = await peekModel(location.base);
      // A model whose every weight was tuned stands by itself: it can be the base of others.
      const base = rest.tuned?.lineage.whole ? undefined : rest.tuned?.lineage.base.id;
      entries.push({
        model: {
          id,
          label: name,
          detail,
          kind: 'local',
          contextLength,
          chat,
          logProbs: true,
          controlledSampling: true,
          base,
        },
        location,
        ...rest,
      });
    };
    const bundled = join(root, 'models', 'pebble');
    if (await looksLikeModel(bundled)) await add('pebble', l10n.t('bundled'), { base: bundled }, { source: 'bundled' });
    const tuned = (await store.tuned()).filter(model => model.lineage.kind === 'policy');
    for (const model of tuned) {
      const detail = l10n.t('tuned from {0}', shortName(model.lineage.base.id));
      const location = model.lineage.whole
        ? { base: model.path }
        : { base: (await this.#basePath(model)) ?? '', adapter: model.path };
      await add(model.name, detail, location, { source: 'tuned', tuned: model });
    }
    for (const model of await store.imported()) {
      await add(
        model.name,
        model.repository ?? l10n.t('imported'),
        { base: model.path },
        { source: 'imported', imported: model },
      );
    }
    return entries;
  }

  /** Weights under a tuned model: where its base lies today, else where it lay when it was tuned; undefined when it is gone. */
  async #basePath(model: StoredModel): Promise<string | undefined> {
    const tuned = new Map((await this.#options.store.tuned()).map(other => [`local:${other.name}`, other]));
    let { id, base } = model.lineage.base;
    // A model tuned from a tuned one: down to the weights. Each step takes one out, so that a ring ends.
    for (let below = tuned.get(id); below; below = tuned.get(id)) {
      if (below.lineage.whole) return below.path;
      tuned.delete(id);
      ({ id, base } = below.lineage.base);
    }
    if (id === BundledModel) {
      const bundled = join(this.#options.root, 'models', 'pebble');
      if (await looksLikeModel(bundled)) return bundled;
    }
    // The path stands in a file of the workspace: never one of another computer, which would be asked for it.
    if (!/^[\\/]{2}/.test(base) && (await looksLikeModel(base))) return base;
    return (await this.#options.store.imported()).find(candidate => `local:${candidate.name}` === id)?.path;
  }

  #baseIsGone({ name, path, lineage }: StoredModel): HumanError {
    return new HumanError(
      l10n.t('{0} was tuned from {1}, which is not here. Add that model again.', name, shortName(lineage.base.id)),
      { place: { file: path } },
    );
  }

  async #find(wanted: string): Promise<LocalEntry | undefined> {
    const entries = await this.#locals();
    const named =
      entries.find(entry => entry.model.id === wanted) ?? entries.find(entry => entry.model.label === wanted);
    if (named) return named;
    const path = wanted.startsWith('local:') ? wanted.slice('local:'.length) : wanted;
    if (!(await looksLikeModel(path))) {
      if (isAbsolute(path) || path.startsWith('.') || /\.gguf$/i.test(path)) {
        throw new HumanError(
          l10n.t('This is no model: choose a .gguf file, or a folder with config.json and safetensors files.'),
          { place: { file: path } },
        );
      }
      return undefined;
    }
    const base = resolve(path);
    const { contextLength, chat } = await peekModel(base);
    return {
      model: {
        id: `local:${base}`,
        label: modelNameOf(base),
        detail: base,
        kind: 'local',
        contextLength,
        chat,
        logProbs: true,
        controlledSampling: true,
      },
      location: { base },
      source: 'path',
    };
  }

  #generator({ model, location, tuned }: LocalEntry): LocalModel {
    if (tuned && location.base === '') throw this.#baseIsGone(tuned);
    const key = JSON.stringify(location);
    const known = this.#generators.get(model.id);
    if (known?.key === key) return known.generator;
    const generator = new LocalModel(model, location, this.#options.inference);
    this.#generators.set(model.id, { key, generator });
    return generator;
  }

  async #unknown(wanted: string): Promise<HumanError> {
    const known = (await this.list()).map(model => shortName(model.id));
    return new HumanError(l10n.t('There is no model “{0}”. There are: {1}.', wanted, known.join(', ')));
  }
}

/** `pebble` of `local:pebble`. */
const shortName = (id: string): string => id.replace(/^(local|imported|tuned):/, '');
