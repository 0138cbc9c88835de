/** What language features ask of their host: files beside the template, models, tokens. Every answer may be missing. */

export interface ModelInfo {
  readonly id: string;
  readonly label: string;
  /** One line: size, where it comes from. */
  readonly detail: string;
  /** Tokens that prompt and answer may have together. */
  readonly contextLength?: number;
}

export interface FileInfo {
  /** Relative to the template, with `/`, beginning with `./` or `../`. */
  readonly path: string;
}

/** Rows of a file that the template names. */
export interface NamedRows {
  readonly count: number;
  /** Names of the fields, those of the first rows. */
  readonly fields: readonly string[];
  /** Of the row that is looked at. */
  readonly current: Readonly<Record<string, unknown>>;
}

/** What the files of a template hold; each absent where the template names none or it cannot be read. */
export interface TemplateFiles {
  readonly bank?: NamedRows;
  readonly rows?: NamedRows;
}

export interface LanguageHost {
  /** Models that can answer prompts. */
  models(): Promise<readonly ModelInfo[]>;
  /** Files of the workspace that a bank or rows may lie in: JSON Lines and CSV. */
  dataFiles(): Promise<readonly FileInfo[]>;
  /** Whether a file is there; `path` is relative to the template. */
  exists(path: string): Promise<boolean>;
  /** Undefined where there is no such file or it cannot be read. */
  bank(): Promise<NamedRows | undefined>;
  rows(): Promise<NamedRows | undefined>;
  /** Tokens of a text for the model that the template runs on first; undefined where they cannot be counted now. */
  countTokens(text: string): Promise<{ readonly tokens: number; readonly model: string } | undefined>;
}
