/** A parsed cron expression: the values that each field allows. */
export interface CronSchedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** With both a day of the month and a day of the week given, either will do. */
  readonly eitherDay: boolean;
}

/** The expression, or what is wrong with it. */
export type ParsedSchedule =
  | { readonly ok: true; readonly schedule: CronSchedule }
  | { readonly ok: false; readonly message: string };

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const shortcuts: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Reads five fields (minute hour day month weekday) with lists, ranges, steps and names, or `@daily` and the like. */
export function parseSchedule(text: string): ParsedSchedule {
  const trimmed = text.trim();
  const fields = (shortcuts[trimmed] ?? trimmed).split(/\s+/);
  if (fields.length !== 5) {
    return { ok: false, message: `expected exactly 5 fields, found ${fields.length}: ${JSON.stringify(fields)}` };
  }
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  try {
    const schedule: CronSchedule = {
      minutes: parseField(minute, 0, 59, []),
      hours: parseField(hour, 0, 23, []),
      days: parseField(day, 1, 31, []),
      months: parseField(month, 1, 12, months),
      weekdays: parseField(weekday, 0, 6, weekdays),
      eitherDay: !isAny(day) && !isAny(weekday),
    };
    return { ok: true, schedule };
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, message: error.message };
    throw error;
  }
}

function isAny(field: string): boolean {
  return field.split(',').some((part) => /^[*?]/.test(part));
}

function parseField(field: string, low: number, high: number, names: readonly string[]): Set<number> {
  const values = new Set<number>();
  const number = (text: string): number => {
    const name = names.indexOf(text.toLowerCase());
    if (name >= 0) return name + low;
    if (!/^\d+$/.test(text)) throw new RangeError(`failed to parse int from ${text}`);
    return Number(text);
  };
  for (const part of field.split(',')) {
    const [range = '', stepText, ...more] = part.split('/');
    if (more.length > 0) throw new RangeError(`too many slashes: ${part}`);
    const step = stepText === undefined ? 1 : number(stepText);
    if (step === 0) throw new RangeError(`step of range should be a positive number: ${part}`);
    let from = low;
    let to = high;
    if (range !== '*' && range !== '?') {
      const [first = '', last, ...rest] = range.split('-');
      if (rest.length > 0) throw new RangeError(`too many hyphens: ${part}`);
      from = number(first);
      to = last === undefined ? (stepText === undefined ? from : high) : number(last);
    }
    if (from < low) throw new RangeError(`beginning of range (${from}) below minimum (${low}): ${part}`);
    if (to > high) throw new RangeError(`end of range (${to}) above maximum (${high}): ${part}`);
    if (from > to) throw new RangeError(`beginning of range (${from}) beyond end of range (${to}): ${part}`);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Looked ahead at most: a 29th of February on a given weekday comes within 28 years. */
const horizonMs = 29 * 366 * dayMs;

/**
 * The first time after `afterMs` that a schedule names, Unix milliseconds; undefined when it never comes. A time
 * that clocks leave out in spring does not happen; one that they show twice in autumn happens once, the first time.
 * @param timeZone an IANA name
 */
export function nextTime(schedule: CronSchedule, afterMs: number, timeZone: string): number | undefined {
  const zone = zoneClock(timeZone);
  let at = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
  const limit = at + horizonMs;
  while (at < limit) {
    const local = zone(at);
    if (!schedule.months.has(local.month) || !dayFits(schedule, local)) {
      at = nextDay(at, local, zone);
      continue;
    }
    if (!schedule.hours.has(local.hour)) {
      at += (60 - local.minute) * minuteMs;
      continue;
    }
    if (!schedule.minutes.has(local.minute) || isSecondTime(at, local, zone)) {
      at += minuteMs;
      continue;
    }
    return at;
  }
  return undefined;
}

interface LocalTime {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

function dayFits(schedule: CronSchedule, local: LocalTime): boolean {
  const day = schedule.days.has(local.day);
  const weekday = schedule.weekdays.has(local.weekday);
  return schedule.eitherDay ? day || weekday : day && weekday;
}

/** The first minute of the next local day, whatever clocks do in between. */
function nextDay(at: number, local: LocalTime, zone: (ms: number) => LocalTime): number {
  let next = at + dayMs - (local.hour * 60 + local.minute) * minuteMs;
  for (let back = zone(next); back.day !== local.day && back.hour * 60 + back.minute > 0 && back.hour < 12; ) {
    next -= (back.hour * 60 + back.minute) * minuteMs;
    back = zone(next);
  }
  while (zone(next).day === local.day) next += 30 * minuteMs;
  return next;
}

/** The same wall clock time was shown an hour ago: clocks were put back. */
function isSecondTime(at: number, local: LocalTime, zone: (ms: number) => LocalTime): boolean {
  const before = zone(at - 60 * minuteMs);
  return before.hour === local.hour && before.minute === local.minute && before.day === local.day;
}

const clocks = new Map<string, (ms: number) => LocalTime>();

/** Local time of a zone. @throws RangeError for a zone that does not exist */
function zoneClock(timeZone: string): (ms: number) => LocalTime {
  let clock = clocks.get(timeZone);
  if (clock !== undefined) return clock;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  clock = (ms) => {
    const parts: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(ms)) parts[type] = value;
    return {
      month: Number(parts.month),
      day: Number(parts.day),
      weekday: weekdays.indexOf((parts.weekday ?? '').toLowerCase()),
      hour: Number(parts.hour),
      minute: Number(parts.minute),
    };
  };
  clocks.set(timeZone, clock);
  return clock;
}
