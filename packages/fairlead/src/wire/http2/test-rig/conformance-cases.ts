import type { ConformanceCase } from './conformance-case.ts';
import { FRAME_CASES } from './conformance-frames.ts';
import { MESSAGE_CASES } from './conformance-messages.ts';
import { STREAM_CASES } from './conformance-streams.ts';

/** Every row. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = [...STREAM_CASES, ...FRAME_CASES, ...MESSAGE_CASES];
