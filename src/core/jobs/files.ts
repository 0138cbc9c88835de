/** Names of the files in a job's folder; `protocol/jobWorker.ts` says who writes them and when. */
export const JobFiles = {
  specification: 'job.json',
  state: 'state.json',
  events: 'events.jsonl',
  control: 'control.json',
  checkpoints: 'checkpoints',
  result: 'result.json',
  log: 'log.txt',
  lock: 'lock',
  launch: 'launch.json',
  queue: 'queue.json',
  tensorboard: 'tensorboard',
  reserve: 'reserve',
  questions: 'questions.jsonl',
  answers: 'answers.jsonl',
  answerer: 'answerer.json',
  refusals: 'refusals.json',
} as const;
