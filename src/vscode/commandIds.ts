/** Every command, view, setting and context key of the extension by name; a test holds them equal to package.json. */

export const CommandIds = {
  openPlayground: 'tunesmith.openPlayground',
  runTemplate: 'tunesmith.runTemplate',
  searchPrompt: 'tunesmith.searchPrompt',
  runFresh: 'tunesmith.runFresh',
  clearCache: 'tunesmith.clearCache',
  newTemplate: 'tunesmith.newTemplate',
  exportPromptAs: 'tunesmith.exportPromptAs',
  importPrompt: 'tunesmith.importPrompt',
  openSamples: 'tunesmith.openSamples',
  refreshTemplates: 'tunesmith.refreshTemplates',
  addModel: 'tunesmith.addModel',
  downloadModel: 'tunesmith.downloadModel',
  addEndpoint: 'tunesmith.addEndpoint',
  forgetKeys: 'tunesmith.forgetKeys',
  resetApprovals: 'tunesmith.resetApprovals',
  openRanking: 'tunesmith.openRanking',
  undoRanking: 'tunesmith.undoRanking',
  exportPreferences: 'tunesmith.exportPreferences',
  trainRewardModel: 'tunesmith.trainRewardModel',
  fineTune: 'tunesmith.fineTune',
  openJob: 'tunesmith.openJob',
  stopJob: 'tunesmith.stopJob',
  resumeJob: 'tunesmith.resumeJob',
  deleteJob: 'tunesmith.deleteJob',
  openJobSpecification: 'tunesmith.openJobSpecification',
  openJobLog: 'tunesmith.openJobLog',
  refreshJobs: 'tunesmith.refreshJobs',
  useModel: 'tunesmith.useModel',
  revealModel: 'tunesmith.revealModel',
  exportModel: 'tunesmith.exportModel',
  removeModel: 'tunesmith.removeModel',
  refreshModels: 'tunesmith.refreshModels',
  showLog: 'tunesmith.showLog',
} as const;
export type CommandId = (typeof CommandIds)[keyof typeof CommandIds];

export const ViewIds = {
  templates: 'tunesmith.templates',
  rank: 'tunesmith.rank',
  jobs: 'tunesmith.jobs',
  models: 'tunesmith.models',
} as const;

export const PanelTypes = {
  playground: 'tunesmith.playground',
  ranking: 'tunesmith.ranking',
  job: 'tunesmith.job',
  bank: 'tunesmith.bank',
} as const;
