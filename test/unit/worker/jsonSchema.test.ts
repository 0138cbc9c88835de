import assert from 'node:assert/strict';
import { createEvaluatorChild, type EvaluatorChild } from '../../../src/worker/evaluatorChild.ts';

describe('JSON Schema as a reward', () => {
  let child: EvaluatorChild;
  before(() => {
    child = createEvaluatorChild();
  });
  after(() => child.dispose());

  const person = {
    type: 'object',
    properties: { name: { type: 'string', minLength: 1 }, age: { $ref: '#/$defs/age' } },
    required: ['name'],
    additionalProperties: false,
    $defs: { age: { type: 'integer', minimum: 0 } },
  };

  it('1 for JSON that it allows, 0 for other JSON and for what is none', async () => {
    const texts = ['{"name":"Ada","age":36}', '{"name":"Ada","age":-1}', '{"age":3}', '{"name":"A","x":1}', 'Ada', ''];
    assert.deepEqual(await child.validate(person, texts), [1, 0, 0, 0, 0, 0]);
  });

  it('by the version that it names: tuples of 2020-12 and of draft 7', async () => {
    const texts = ['[1,"a"]', '["a",1]'];
    const parts = [{ type: 'integer' }, { type: 'string' }];
    assert.deepEqual(await child.validate({ prefixItems: parts }, texts), [1, 0]);
    const draft7 = { $schema: 'http://json-schema.org/draft-07/schema#', items: parts };
    assert.deepEqual(await child.validate(draft7, texts), [1, 0]);
    assert.deepEqual(await child.validate(false, ['{}']), [0]);
  });

  it('refuses what is no schema with a sentence', async () => {
    for (const schema of [{ type: 'strange' }, { $ref: 'https://example.com/other.json' }, { pattern: '(' }]) {
      await assert.rejects(child.validate(schema, []), {
        name: 'HumanError',
        message: /This JSON Schema cannot be used/,
      });
    }
  });

  it('is stopped where one of its patterns does not end', async function () {
    this.timeout(40_000).slow(30_000);
    const endless = { type: 'string', pattern: '^(a+)+$' };
    await assert.rejects(child.validate(endless, [JSON.stringify('a'.repeat(60) + '!')]), {
      name: 'HumanError',
      message: /took longer than 3 s .* Simplify its patterns/,
    });
    assert.deepEqual(await child.validate({}, ['1']), [1]);
  });
});
