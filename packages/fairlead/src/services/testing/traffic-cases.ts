import type { TrafficCase } from './case-scene.ts';
import { changeCases } from './change-cases.ts';
import { frontendCases } from './frontend-cases.ts';
import { hostPortCases } from './host-port-cases.ts';
import { policyCases } from './policy-cases.ts';

/** The upstream project's tables (conformance, network tests, proxier unit tests), as stories. */
export const trafficCases: readonly TrafficCase[] = [
  ...frontendCases,
  ...policyCases,
  ...changeCases,
  ...hostPortCases,
];
