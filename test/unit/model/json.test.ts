import assert from 'node:assert/strict';
import { stringifyLine } from '../../../src/model/json.ts';

describe('JSON of a result', () => {
  it('has integers over 2^53 as text, whatever they are here, and all else as JSON has it', () => {
    assert.equal(
      stringifyLine({
        id: 2n ** 64n - 1n,
        small: 7n,
        bytes: 2 ** 60,
        most: 2 ** 53 - 1,
        below: -(2 ** 53),
        share: 0.5,
      }),
      '{"id":"18446744073709551615","small":"7","bytes":"1152921504606846976","most":9007199254740991,"below":"-9007199254740992","share":0.5}',
    );
    assert.equal(stringifyLine([Number.POSITIVE_INFINITY, null, '9007199254740993']), '[null,null,"9007199254740993"]');
  });
});
