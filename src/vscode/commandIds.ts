/** Every command, view, setting and context key of the extension by name; a test holds them equal to package.json. */

export const CommandIds = {
  openPlayground: 'tunesmith.openPlayground',
  runTemplate: 'tunesmith.runTemplate',
  newTemplate: 'tunesmith.newTemplate',
  openSamples: 'tunesmith.openSamples',
  refreshTemplates: 'tunesmith.refreshTemplates',
  addModel: 'tunesmith.addModel',
  downloadModel: 'tunesmith.downloadModel',
  addEndpoint: 'tunesmith.addEndpoint',
  forgetKeys: 'tunesmith.forgetKeys',
  resetApprovals: 'tunesmith.resetApprovals',
  showLog: 'tunesmith.showLog',
} as const;
export type CommandId = (typeof CommandIds)[keyof typeof CommandIds];

export const ViewIds = {
  templates: 'tunesmith.templates',
} as const;

export const PanelTypes = {
  playground: 'tunesmith.playground',
} as const;
