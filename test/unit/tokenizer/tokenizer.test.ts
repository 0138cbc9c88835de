import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTokenizer } from '../../../src/tokenizer/tokenizer.ts';
import type { TokenizerData } from '../../../src/tokenizer/tokenizerData.ts';
import { tinyTokenizerConfig, tinyTokenizerJson, tinyVocabularySize } from '../../fakes/tinyTokenizer.ts';

const data = (
  changes: Readonly<Record<string, unknown>> = {},
  config: unknown = tinyTokenizerConfig,
): TokenizerData => ({
  kind: 'huggingface',
  path: 'tokenizer.json',
  tokenizer: { ...tinyTokenizerJson(), ...changes },
  config,
});
const tiny = createTokenizer(data());

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('h', 'e', 'l', 'o', ' ', '\n', '0', '7', "'s", 'é', '日', '😀', '<|end|>'),
    maxLength: 40,
  }),
);

describe('tokenizer', () => {
  it('merges as the file says', () => {
    assert.deepEqual(tiny.encode('hello hello').map(tiny.show), ['hello', ' hello']);
    assert.deepEqual(tiny.encode('hell').map(tiny.show), ['hell']);
    assert.equal(tiny.size, tinyVocabularySize);
  });

  it('gives any text back', () => {
    fc.assert(
      fc.property(text, value => {
        assert.equal(tiny.decode(tiny.encode(value), { special: true }), value);
      }),
    );
  });

  it('streams what it decodes, and never part of a character', () => {
    fc.assert(
      fc.property(text, value => {
        const stream = tiny.stream();
        const pieces = tiny.encode(value).map(id => stream.push(id));
        for (const piece of pieces)
          assert.ok(!piece.includes('\ufffd') || value.includes('\ufffd'), JSON.stringify(piece));
        assert.equal(pieces.join('') + stream.end(), tiny.decode(tiny.encode(value)));
      }),
    );
    const stream = tiny.stream();
    assert.deepEqual(
      tiny.encode('😀').map(id => stream.push(id)),
      ['', '', '', '😀'],
    );
    const cut = tiny.stream();
    cut.push(tiny.encode('é')[0]!);
    assert.equal(cut.end(), '\ufffd');
  });

  it('says which characters each token covers', () => {
    fc.assert(
      fc.property(text, value => {
        const spans = tiny.encodeSpans(value);
        let position = 0;
        for (const span of spans) {
          assert.equal(span.start, position);
          assert.ok(span.end >= span.start);
          position = span.end;
        }
        assert.equal(position, value.length);
      }),
    );
    assert.deepEqual(
      tiny.encodeSpans('hello<|end|> hello').map(({ start, end }) => [start, end]),
      [
        [0, 5],
        [5, 12],
        [12, 18],
      ],
    );
  });

  it('knows special tokens and ends', () => {
    assert.deepEqual(tiny.encode('<|start|>hello<|end|>'), [1, tiny.idOf('hello'), 2]);
    assert.equal(tiny.decode([1, tiny.idOf('hello')!, 2]), 'hello');
    assert.deepEqual(tiny.endIds, [2]);
    assert.ok(tiny.isSpecial(1) && !tiny.isSpecial(5));
    const named = createTokenizer({ ...data({}, {}), endTokenIds: [1, 2] } as TokenizerData);
    assert.deepEqual(named.endIds, [1, 2]);
  });

  it('begins a plain text as the file says, and a rendered chat never', () => {
    const begin = [{ SpecialToken: { id: '<|start|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    const tokenizer = createTokenizer(
      data({ post_processor: { type: 'TemplateProcessing', single: begin, pair: begin } }),
    );
    assert.deepEqual(tokenizer.encode('hello'), [tokenizer.idOf('hello')]);
    assert.deepEqual(tokenizer.encode('hello', { begin: true }), [1, tokenizer.idOf('hello')]);
    assert.deepEqual(
      tokenizer.encodeSpans('hello', { begin: true }).map(({ start, end }) => [start, end]),
      [
        [0, 0],
        [0, 5],
      ],
    );
  });

  it('splits at every number, as the original does', () => {
    const pre = {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      ],
    };
    const json = tinyTokenizerJson();
    const model = json.model as { vocab: Record<string, number>; merges: (readonly [string, string])[] };
    // “²” is a number, the two bytes of which would merge with the space before if it were not set apart.
    const merges = [...model.merges, ['Ġ', 'Â'] as const];
    const vocab = { ...model.vocab, ĠÂ: tinyVocabularySize };
    const tokenizer = createTokenizer(data({ pre_tokenizer: pre, model: { ...model, vocab, merges } }));
    assert.equal(tokenizer.encode(' ²').length, 3);
    assert.equal(tokenizer.encode(' £').length, 2);
  });

  describe('with a chat template', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ];

    it('renders as the model expects', () => {
      assert.equal(
        tiny.chatTemplate!.render(messages),
        '<|start|>system\nBe brief.<|end|>\n<|start|>user\nHi<|end|>\n<|start|>assistant\n',
      );
      assert.equal(
        tiny.chatTemplate!.render(messages.slice(1), { addGenerationPrompt: false }),
        '<|start|>user\nHi<|end|>\n',
      );
    });

    it('can continue the last message', () => {
      const started = [...messages, { role: 'assistant', content: 'Hi, I' }];
      assert.ok(tiny.chatTemplate!.render(started, { continueLast: true }).endsWith('<|start|>assistant\nHi, I'));
      for (const content of ['', 'e', 'end', '<|end|>', ' spaced ']) {
        const text = tiny.chatTemplate!.render([...messages, { role: 'assistant', content }], { continueLast: true });
        assert.ok(text.endsWith(`<|start|>assistant\n${content}`), JSON.stringify(text));
      }
    });

    const template = (source: string) => createTokenizer(data({}, { chat_template: source })).chatTemplate!;
    const hostile: readonly [string, string][] = [
      ['loops for ever', '{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}'],
      [
        'loops for ever without a word',
        '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
      ],
      ['counts to a billion', '{% for a in range(1000000000) %}{% endfor %}'],
      ['calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
      [
        'doubles a text',
        '{% set n = namespace(s="xxxxxxxxxxxxxxxx") %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}',
      ],
      [
        'doubles a list',
        '{% set n = namespace(s=[1,2,3,4]) %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}',
      ],
      ['indents without end', '{{ "a\nb" | indent(2000000000) }}'],
      ['reaches for the constructor', '{{ messages.constructor.constructor("return process")().exit() }}'],
      ['reaches for the constructor of range', '{{ range.constructor("return 1")() }}'],
      ['refuses', '{{ raise_exception("no system role") }}'],
    ];
    for (const [what, source] of hostile) {
      it(`refuses one that ${what}`, () => {
        assert.throws(() => template(source).render(messages), {
          name: 'HumanError',
          message: /chat template cannot be used/,
        });
      });
    }

    it('refuses one that is no template', () => {
      assert.throws(() => template('{% for %}'), { name: 'HumanError', message: /chat template/ });
    });

    it('takes the default of several', () => {
      const several = [
        { name: 'tool_use', template: 'T' },
        { name: 'default', template: 'D' },
      ];
      assert.equal(createTokenizer(data({}, { chat_template: several })).chatTemplate!.render(messages), 'D');
    });
  });

  describe('from GGUF', () => {
    const gguf = (metadata: Readonly<Record<string, unknown>>): TokenizerData => ({
      kind: 'gguf',
      path: 'model.gguf',
      metadata: new Map(Object.entries(metadata)),
    });
    const { model } = tinyTokenizerJson() as { model: { vocab: Record<string, number>; merges: [string, string][] } };
    const byId = Object.entries(model.vocab).sort((a, b) => a[1] - b[1]);
    const tokens = ['<|pad|>', '<|start|>', '<|end|>', ...byId.map(([token]) => token)];
    const bytePair = {
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'gpt-2',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': tokens.map((_, id) => (id < 3 ? 3 : 1)),
      'tokenizer.ggml.merges': model.merges.map(pair => pair.join(' ')),
      'tokenizer.ggml.eos_token_id': 2,
      'tokenizer.chat_template': tinyTokenizerConfig.chat_template,
    };

    it('is the same tokenizer as from tokenizer.json', () => {
      const tokenizer = createTokenizer(gguf(bytePair));
      fc.assert(fc.property(text, value => assert.deepEqual(tokenizer.encode(value), tiny.encode(value))));
      assert.deepEqual(tokenizer.endIds, [2]);
      assert.equal(tokenizer.chatTemplate!.render([]), '<|start|>assistant\n');
    });

    // SentencePiece: ids 0–2 special, then 256 bytes, then pieces whose score is minus their rank.
    const pieces = ['▁', 'h', 'e', 'l', 'o', 'he', 'll', 'hell', 'hello', '▁hello'];
    const spTokens = [
      '<unk>',
      '<s>',
      '</s>',
      ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
      ...pieces,
    ];
    const sentencePiece = {
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': spTokens,
      'tokenizer.ggml.scores': spTokens.map((_, id) => -id),
      'tokenizer.ggml.token_type': spTokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)),
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.eos_token_id': 2,
      'tokenizer.ggml.unknown_token_id': 0,
    };

    it('derives the merges of SentencePiece from its scores, with bytes for all else', () => {
      const tokenizer = createTokenizer(gguf(sentencePiece));
      assert.deepEqual(tokenizer.encode('hello hello').map(tokenizer.show), [' hello', ' hello']);
      assert.equal(tokenizer.encode('hello', { begin: true })[0], 1);
      assert.deepEqual(tokenizer.endIds, [2]);
      for (const value of ['hello hello', 'hé 😀 lo', '  two spaces', '']) {
        assert.equal(tokenizer.decode(tokenizer.encode(value)), value);
        const spans = tokenizer.encodeSpans(value);
        assert.equal(spans.at(-1)?.end ?? 0, value.length, value);
      }
      const stream = tokenizer.stream();
      const streamed = tokenizer.encode('hé 😀').map(id => stream.push(id));
      assert.equal(streamed.join(''), 'hé 😀');
      assert.ok(streamed.every(piece => !piece.includes('\ufffd')));
    });

    const damaged: readonly [string, Record<string, unknown>, RegExp][] = [
      ['no tokens', { ...bytePair, 'tokenizer.ggml.tokens': undefined }, /no tokenizer/],
      ['tokens that are no texts', { ...bytePair, 'tokenizer.ggml.tokens': [1, 2] }, /no tokenizer/],
      ['types of another length', { ...bytePair, 'tokenizer.ggml.token_type': [1] }, /do not match/],
      ['no merges', { ...bytePair, 'tokenizer.ggml.merges': undefined }, /merges are missing/],
      ['merges that are none', { ...bytePair, 'tokenizer.ggml.merges': ['ab'] }, /merges are missing/],
      ['an end that is no token', { ...bytePair, 'tokenizer.ggml.eos_token_id': 1e6 }, /eos_token_id/],
      ['an unknown split', { ...bytePair, 'tokenizer.ggml.pre': 'deepseek-llm' }, /deepseek-llm/],
      ['an unknown kind', { ...bytePair, 'tokenizer.ggml.model': 'bert' }, /bert/],
      ['no scores', { ...sentencePiece, 'tokenizer.ggml.scores': undefined }, /scores are missing/],
    ];
    for (const [what, metadata, message] of damaged) {
      it(`refuses ${what}`, () => {
        assert.throws(() => createTokenizer(gguf(metadata)), { name: 'HumanError', message });
      });
    }
  });

  describe('refuses tokenizer.json', () => {
    const model = tinyTokenizerJson().model as Record<string, unknown>;
    const damaged: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
      ['without a model', { model: undefined }, /Only BPE/],
      ['of another kind', { model: { type: 'Unigram', vocab: [['a', 0]] } }, /Only BPE/],
      ['without merges', { model: { ...model, merges: undefined } }, /Only BPE/],
      ['with an empty vocabulary', { model: { ...model, vocab: {} } }, /empty/],
      ['with a negative id', { model: { ...model, vocab: { a: -1 } } }, /“a” has no valid id/],
      ['with an id of 2^40', { model: { ...model, vocab: { a: 2 ** 40 } } }, /“a” has no valid id/],
      ['with an id that is a text', { model: { ...model, vocab: { a: '1' } } }, /“a” has no valid id/],
      ['with added tokens that are no list', { added_tokens: {} }, /added tokens/],
      ['with an added token without a text', { added_tokens: [{ id: 1 }] }, /added tokens/],
      ['with an added token of id 2^53', { added_tokens: [{ id: 2 ** 53, content: 'x' }] }, /added tokens/],
      ['without a decoder', { decoder: null }, /decodes in a way/],
      ['with an unknown decoder', { decoder: { type: 'CTC' } }, /decodes in a way/],
      ['with an unknown pre-tokenizer', { pre_tokenizer: { type: 'Nonsense' } }, /cannot be used/],
      [
        'with a pattern that is none',
        { pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } },
        /cannot be used/,
      ],
    ];
    for (const [what, changes, message] of damaged) {
      it(what, () => {
        assert.throws(() => createTokenizer(data(changes)), { name: 'HumanError', message });
      });
    }
    it('that is no object', () => {
      assert.throws(() => createTokenizer({ kind: 'huggingface', path: 'x', tokenizer: [], config: {} }), {
        name: 'HumanError',
      });
    });
  });
});
