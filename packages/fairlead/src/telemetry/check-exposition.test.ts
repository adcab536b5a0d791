import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkExposition } from './check-exposition.ts';

const head = '# HELP a_total A.\n# TYPE a_total counter\n';
const histogram = '# HELP h_seconds H.\n# TYPE h_seconds histogram\n';
const rows: readonly (readonly [name: string, text: string, problem: RegExp | undefined])[] = [
  ['a counter', `${head}a_total{x="a\\"b\\\\c\\nd",y=""} 1\na_total{x="b"} 2.5e+9\n`, undefined],
  [
    'a histogram',
    `${histogram}h_seconds_bucket{le="0.1"} 1\nh_seconds_bucket{le="+Inf"} 2\nh_seconds_sum 3\nh_seconds_count 2\n`,
    undefined,
  ],
  [
    'two series of a histogram',
    `${histogram}${['a', 'b'].map((x) => `h_seconds_bucket{x="${x}",le="+Inf"} 1\nh_seconds_sum{x="${x}"} 1\nh_seconds_count{x="${x}"} 1\n`).join('')}`,
    undefined,
  ],
  ['no end', `${head}a_total 1`, /no end/],
  ['no HELP', '# TYPE a_total counter\na_total 1\n', /before its HELP/],
  ['no TYPE', '# HELP a_total A.\na_total 1\n', /before its HELP/],
  ['a counter by another name', '# HELP a A.\n# TYPE a counter\na 1\n', /_total/],
  ['a counter below zero', `${head}a_total -1\n`, /below zero/],
  ['a quote within a label', `${head}a_total{x="a"b"} 1\n`, /no sample/],
  ['a label without quotes', `${head}a_total{x=1} 1\n`, /no sample/],
  ['no number', `${head}a_total one\n`, /no sample/],
  ['twice the same', `${head}a_total{x="a"} 1\na_total{x="a"} 1\n`, /twice/],
  ['a sample of another family', `${head}b_total 1\n`, /another family/],
  [
    'a family in two places',
    `${head}a_total 1\n# HELP b B.\n# TYPE b gauge\nb 1\n${head}a_total{x="a"} 1\n`,
    /two places/,
  ],
  [
    'buckets that go down',
    `${histogram}h_seconds_bucket{le="0.1"} 3\nh_seconds_bucket{le="+Inf"} 2\nh_seconds_count 2\n`,
    /less than/,
  ],
  [
    'buckets out of order',
    `${histogram}h_seconds_bucket{le="1"} 1\nh_seconds_bucket{le="0.1"} 1\nh_seconds_bucket{le="+Inf"} 1\nh_seconds_count 1\n`,
    /ascend/,
  ],
  ['no bucket of everything', `${histogram}h_seconds_bucket{le="1"} 1\nh_seconds_count 1\n`, /\+Inf/],
  ['a count of its own', `${histogram}h_seconds_bucket{le="+Inf"} 1\nh_seconds_count 2\n`, /counted/],
  ['an unknown type', '# HELP a A.\n# TYPE a thing\na 1\n', /unknown type/],
];
describe('the check of a scrape', () => {
  for (const [name, text, problem] of rows) {
    test(name, () => {
      const problems = checkExposition(text);
      if (problem === undefined) assert.deepEqual(problems, []);
      else
        assert.ok(
          problems.some((each) => problem.test(each)),
          problems.join('\n'),
        );
    });
  }
});
