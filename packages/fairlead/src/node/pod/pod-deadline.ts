import type { Pod } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';

/** Calls back when a Pod has been on the node for longer than its `activeDeadlineSeconds`; returns what ends the wait. */
export function watchDeadline(
  { spec }: Pod,
  startTime: number,
  clock: Clock,
  onOver: (failure: { readonly reason: string; readonly message: string }) => void,
): () => void {
  if (spec?.activeDeadlineSeconds === undefined) return () => {};
  const left = Math.max(0, startTime + spec.activeDeadlineSeconds * 1000 - clock.now());
  const message = 'Pod was active on the node longer than the specified deadline';
  return clock.after(left, () => onOver({ reason: 'DeadlineExceeded', message }));
}
