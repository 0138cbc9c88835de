/** Sessions: outputs in place and copied, shapes from feeds, and errors that name the input. */
import assert from 'node:assert/strict';
import {
  add,
  concat,
  createSession,
  exp,
  float32,
  Graph,
  int64,
  matmul,
  mul,
  neg,
  reshape,
  type Session,
  type SessionOptions,
  scatterAdd,
  sum,
  tensor,
  transpose,
  type Value,
  writesOutputsInPlace,
} from '../../../src/engine/index.ts';

async function opened<T>(
  build: (graph: Graph) => Readonly<Record<string, Value>>,
  use: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  const graph = new Graph();
  const session = await createSession(graph, build(graph), { threads: 1, ...options });
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

const doubled = (graph: Graph) => ({ y: mul(graph.input('x', 'float32', ['N', 2]), 2) });

describe('a session', () => {
  it('finds that outputs can be written in place with this version of the binding', async () => {
    assert.equal(await writesOutputsInPlace(), true);
  });

  for (const copyOutputs of [false, true]) {
    it(`serves any size of a symbolic axis, and writes into given arrays (copies: ${copyOutputs})`, async () => {
      await opened(
        doubled,
        async session => {
          for (const n of [1, 3, 2]) {
            const x = Float32Array.from({ length: 2 * n }, (_, i) => i);
            const { y } = await session.run({ x: float32(x, [n, 2]) });
            assert.deepEqual(y!.dims, [n, 2]);
            assert.deepEqual(
              [...y!.data],
              [...x].map(value => 2 * value),
            );
          }
          const into = new Float32Array(2);
          const { y } = await session.run({ x: float32([3, 4], [1, 2]) }, { y: into });
          assert.equal(y!.data, into);
          assert.deepEqual([...into], [6, 8]);
        },
        { copyOutputs },
      );
    });
  }

  it('may write an output over an input of the same size', async () => {
    await opened(doubled, async session => {
      const x = Float32Array.of(1, 2);
      await session.run({ x: float32(x, [1, 2]) }, { y: x });
      assert.deepEqual([...x], [2, 4]);
    });
  });

  it('reads inputs and constants of each type', async () => {
    await opened(
      graph => {
        const i = graph.input('i', 'int64', [2]);
        const flags = graph.input('flags', 'bool', [2]);
        return {
          next: add(i, 1),
          opposite: graph.add('Not', [flags], {}, [{ dtype: 'bool', shape: [2] }]).outputs[0]!,
        };
      },
      async session => {
        const { next, opposite } = await session.run({
          i: int64([2 ** 40, -1]),
          flags: tensor('bool', Uint8Array.of(1, 0), [2]),
        });
        assert.deepEqual([...next!.data], [2n ** 40n + 1n, 0n]);
        assert.deepEqual([...opposite!.data], [0, 1]);
      },
    );
  });

  it('reshapes and multiplies with sizes known only when it runs', async () => {
    await opened(
      graph => {
        const x = graph.input('x', 'float32', ['B', 'T', 4]);
        const flat = reshape(x, ['B*T', 4]);
        const back = reshape(matmul(flat, graph.constant([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], [4, 3])), ['B', 'T', 3]);
        return { swapped: transpose(back, [1, 0, 2]), joined: concat([back, neg(back)], 2) };
      },
      async session => {
        const x = Float32Array.from({ length: 24 }, (_, i) => i);
        const { swapped, joined } = await session.run({ x: float32(x, [2, 3, 4]) });
        assert.deepEqual(swapped!.dims, [3, 2, 3]);
        assert.deepEqual(joined!.dims, [2, 3, 6]);
        assert.deepEqual([...swapped!.data.slice(3, 6)], [12, 13, 14]);
      },
    );
  });

  it('adds rows with the same index alike from run to run, on two threads', async () => {
    await opened(
      graph => ({ y: scatterAdd(graph.input('x', 'float32', ['N', 64]), graph.input('at', 'int64', ['N']), 7) }),
      async session => {
        const n = 3000;
        const x = Float32Array.from({ length: n * 64 }, (_, i) => Math.sin(i) * 10 ** (i % 5));
        const feeds = { x: float32(x, [n, 64]), at: int64(Array.from({ length: n }, (_, i) => (i * i) % 7)) };
        const first = (await session.run(feeds)).y!.data.slice();
        for (let i = 0; i < 20; i++) assert.deepEqual((await session.run(feeds)).y!.data, first);
      },
      { threads: 2 },
    );
  });

  it('leaves out what its outputs do not need', async () => {
    await opened(
      graph => {
        const x = graph.input('x', 'float32', ['N', 2]);
        exp(graph.input('unused', 'float32', ['N']));
        return { y: sum(x) };
      },
      async session => {
        assert.deepEqual([...session.inputs.keys()], ['x']);
        assert.deepEqual([...(await session.run({ x: float32([1, 2], [1, 2]) })).y!.data], [3]);
      },
    );
  });

  it('names the input that is missing or does not fit', async () => {
    await opened(doubled, async session => {
      await assert.rejects(session.run({}), /the input x is missing/);
      await assert.rejects(session.run({ x: float32([1], [1, 1]) }), /the input x has shape \[1, 1\].*not \[N, 2\]/);
      await assert.rejects(session.run({ x: float32([1, 2, 3], [1, 2]) }), /3 numbers/);
      await assert.rejects(session.run({ x: int64([1, 2], [1, 2]) }), /the input x is int64, not float32/);
      await assert.rejects(session.run({ x: float32([1, 2], [1, 2]) }, { y: new Float32Array(3) }), /the output y/);
    });
  });
});
