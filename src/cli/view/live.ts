/** This host, again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { captureHost } from '../../capture/capture.ts';
import { buildHostReport } from '../../report/build_report.ts';

/** Reports as JSON, `seconds` from the end of one to the beginning of the next. */
export async function* liveReports(seconds: number, signal: AbortSignal): AsyncIterable<string> {
  while (!signal.aborted) {
    yield JSON.stringify(buildHostReport(await captureHost({ signal })));
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
  }
}
