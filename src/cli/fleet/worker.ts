/** A thread that analyses files, one at a time. */
import { parentPort } from 'node:worker_threads';
import { analyse } from './analyse.ts';

parentPort!.on('message', (file: string) => {
  void analyse(file).then((result) => parentPort!.postMessage(result));
});
