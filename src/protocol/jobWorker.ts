/**
 * The contract with a training process (`src/worker/jobMain.ts`): files in the job's folder, never a pipe alone, so that a
 * closed window, a reload or another editor finds the job again. Started as `node jobMain.mjs <job folder>`, detached.
 *
 *   job.json          JobSpecification, written before the start, never changed
 *   <data files>      copies of the training data, named in the specification with their SHA-256
 *   state.json        JobState, replaced atomically by the worker
 *   events.jsonl      JobEvent lines, append-only; a torn last line is passed over by readers
 *   control.json      JobControl, written by editor or CLI, looked at once a step
 *   checkpoints/<step>/   everything needed to go on to the same bytes; complete when `complete.json` is in it
 *   evaluations/<step>/   the adapter of an evaluation, where the specification asks for them
 *   result.json       JobResult, written last
 *   log.txt           standard output and error of the process
 *   launch.json       JobLaunch: the process that was started last, written by whoever started it
 *   queue.json        JobTurn: the job waits for those before it; void once launch.json names the same turn
 *   tensorboard/      an event file of TensorBoard, where the specification asks for it
 *   reserve           bytes that the worker gives back when the disk is full, so that it can still say so
 *   lock              held by the living worker (pid and start time), so that two never work on one job
 */
export { JobFiles } from '../core/jobs/files.ts';

export const HeartbeatSeconds = 5;
