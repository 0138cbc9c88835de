/** Ratings from games: Bradley–Terry with ties as half a win, bootstrap intervals, win rates, and control for length. */
import { type BootstrapOptions, bootstrapWeights } from './bootstrap.ts';
import type { Interval } from './intervals.ts';

/** One comparison of two players. */
export interface Game {
  readonly first: string;
  readonly second: string;
  /** Of the first: 1 won, ½ tied, 0 lost. */
  readonly outcome: 0 | 0.5 | 1;
  /** Games of one cluster (one prompt) are drawn together by the bootstrap; each game alone when left out. */
  readonly cluster?: string;
  /** Length of each answer, in any one unit; for control of style. */
  readonly lengths?: readonly [number, number];
}

export interface Rating {
  readonly player: string;
  /** On the scale of Elo: 400/ln 10 × strength + 1000; the mean of all players is 1000. */
  readonly rating: Interval;
  readonly games: number;
  /** Wins and half of the ties ÷ games. */
  readonly winRate: number;
}

export interface Ratings {
  /** Best first. */
  readonly ratings: readonly Rating[];
  /** Every player is linked to every other by wins both ways. Where not, some ratings have no finite value and are shrunk. */
  readonly connected: boolean;
  /** With control: how many points one standard deviation of relative extra length is worth. */
  readonly lengthEffect?: Interval;
}

const perPoint = 400 / Math.LN10;
/** Keeps strengths finite where a player only wins or only loses: σ⁻² of a normal prior. */
const shrinkage = 0.01;

/**
 * Maximum likelihood of −Σ w [y log σ(Δ) + (1 − y) log(1 − σ(Δ))], tie y = ½. With `controlLength`, Δ also has a
 * coefficient × (len₁ − len₂)/(len₁ + len₂), standardised. Source: FastChat `monitor/rating_systems.py` and the style
 * control of the arena's notebook.
 */
export function bradleyTerry(
  games: readonly Game[],
  options: BootstrapOptions & { readonly controlLength?: boolean } = {},
): Ratings {
  const players = [...new Set(games.flatMap(game => [game.first, game.second]))].sort();
  const index = new Map(players.map((player, i) => [player, i]));
  const style = options.controlLength ? relativeLengths(games) : undefined;
  const clusterIds = new Map<string, number>();
  const rows = games.map((game, i): Row => {
    const name = game.cluster ?? `\n${i}`;
    const cluster = clusterIds.get(name) ?? clusterIds.size;
    clusterIds.set(name, cluster);
    return {
      first: index.get(game.first)!,
      second: index.get(game.second)!,
      outcome: game.outcome,
      cluster,
      style: style?.[i] ?? 0,
    };
  });
  const connected = isConnected(players.length, rows);
  const size = players.length + (style ? 1 : 0);
  let start = new Float64Array(size);
  const intervals = bootstrapWeights(
    clusterIds.size,
    weights => {
      const strengths = fit(players.length, rows, weights, start);
      if (start.every(value => value === 0)) start = strengths;
      return [...strengths].map((value, i) => perPoint * value + (i < players.length ? 1000 : 0));
    },
    options,
  );
  const ratings = players.map((player, i): Rating => {
    const own = rows.filter(row => row.first === i || row.second === i);
    const points = own.reduce((sum, row) => sum + (row.first === i ? row.outcome : 1 - row.outcome), 0);
    return { player, rating: intervals[i]!, games: own.length, winRate: points / own.length };
  });
  ratings.sort((a, b) => b.rating.estimate - a.rating.estimate);
  return { ratings, connected, ...(style ? { lengthEffect: intervals[players.length]! } : {}) };
}

/** `matrix[i][j]`: share of games that player i won against j, ties half; NaN where they never met. */
export function winRateMatrix(games: readonly Game[], players: readonly string[]): number[][] {
  const index = new Map(players.map((player, i) => [player, i]));
  const table = () => players.map(() => players.map(() => 0));
  const points = table();
  const met = table();
  for (const { first, second, outcome } of games) {
    const i = index.get(first)!;
    const j = index.get(second)!;
    points[i]![j]! += outcome;
    points[j]![i]! += 1 - outcome;
    met[i]![j]!++;
    met[j]![i]!++;
  }
  return points.map((row, i) => row.map((value, j) => value / met[i]![j]!));
}

interface Row {
  readonly first: number;
  readonly second: number;
  readonly outcome: number;
  readonly cluster: number;
  readonly style: number;
}

function relativeLengths(games: readonly Game[]): number[] {
  const raw = games.map(({ lengths: [a, b] = [0, 0] }) => (a + b === 0 ? 0 : (a - b) / (a + b)));
  const mean = raw.reduce((sum, value) => sum + value, 0) / raw.length;
  const deviation = Math.sqrt(raw.reduce((sum, value) => sum + (value - mean) ** 2, 0) / raw.length);
  return raw.map(value => (deviation === 0 ? 0 : (value - mean) / deviation));
}

/** Newton's method with halved steps; strengths sum to zero. The last value is the coefficient of style, where there is one. */
function fit(
  players: number,
  rows: readonly Row[],
  weights: Float64Array,
  start: Float64Array,
): Float64Array<ArrayBuffer> {
  const drawn = rows.filter(row => weights[row.cluster]! > 0);
  const ridge = isConnected(players, drawn) ? 1e-9 : shrinkage;
  const size = start.length;
  const theta = Float64Array.from(start);
  const delta = (at: Float64Array, row: Row) =>
    at[row.first]! - at[row.second]! + (size > players ? at[players]! * row.style : 0);
  const loss = (at: Float64Array): number => {
    let value = 0;
    for (const row of drawn) {
      const d = delta(at, row);
      // −[y log σ(d) + (1 − y) log σ(−d)] = log(1 + e^−|d|) + max(d, 0) − y d
      value += weights[row.cluster]! * (Math.log1p(Math.exp(-Math.abs(d))) + Math.max(d, 0) - row.outcome * d);
    }
    for (const x of at) value += (ridge / 2) * x * x;
    return value;
  };
  let before = loss(theta);
  for (let step = 0; step < 100; step++) {
    const gradient = Float64Array.from(theta, x => ridge * x);
    const hessian = Array.from({ length: size }, (_, i) => {
      const row = new Float64Array(size);
      // The mean of the strengths is free: tied to zero.
      if (i < players) row.fill(1 / players, 0, players);
      row[i]! += ridge;
      return row;
    });
    for (const row of drawn) {
      const p = 1 / (1 + Math.exp(-delta(theta, row)));
      const w = weights[row.cluster]!;
      const slope = w * (p - row.outcome);
      const curve = w * p * (1 - p);
      const parts: [number, number][] = [
        [row.first, 1],
        [row.second, -1],
      ];
      if (size > players) parts.push([players, row.style]);
      for (const [i, x] of parts) {
        gradient[i]! += slope * x;
        for (const [j, y] of parts) hessian[i]![j]! += curve * x * y;
      }
    }
    const move = solve(hessian, gradient);
    let scale = 1;
    let next = theta.map((x, i) => x - move[i]!);
    let after = loss(next);
    while (after > before + 1e-12 * Math.abs(before) && scale > 1e-6) {
      scale /= 2;
      next = theta.map((x, i) => x - scale * move[i]!);
      after = loss(next);
    }
    theta.set(next);
    before = after;
    if (move.every(x => Math.abs(scale * x) < 1e-10)) break;
  }
  const mean = theta.subarray(0, players).reduce((sum, x) => sum + x, 0) / players;
  for (let i = 0; i < players; i++) theta[i]! -= mean;
  return theta;
}

/** Gaussian elimination with pivots; a direction without curvature gets no step. */
function solve(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  const n = vector.length;
  const a = matrix.map(row => Float64Array.from(row));
  const b = Float64Array.from(vector);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(a[row]![column]!) > Math.abs(a[pivot]![column]!)) pivot = row;
    }
    [a[column], a[pivot]] = [a[pivot]!, a[column]!];
    [b[column], b[pivot]] = [b[pivot]!, b[column]!];
    const head = a[column]![column]!;
    if (Math.abs(head) < 1e-14) continue;
    for (let row = column + 1; row < n; row++) {
      const factor = a[row]![column]! / head;
      for (let k = column; k < n; k++) a[row]![k]! -= factor * a[column]![k]!;
      b[row]! -= factor * b[column]!;
    }
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) b[row]! -= a[row]![k]! * b[k]!;
    b[row] = Math.abs(a[row]![row]!) < 1e-14 ? 0 : b[row]! / a[row]![row]!;
  }
  return b;
}

/** Ford's condition (1957): from each player a chain of wins (or ties) leads to each other one. */
function isConnected(players: number, rows: readonly Row[]): boolean {
  if (players < 2) return true;
  const reaches = (from: (row: Row) => [number, number][]) => {
    const next = Array.from({ length: players }, () => new Set<number>());
    for (const row of rows) for (const [a, b] of from(row)) next[a]!.add(b);
    const seen = new Set([0]);
    for (const at of seen) for (const other of next[at]!) seen.add(other);
    return seen.size === players;
  };
  const wins = ({ first, second, outcome }: Row): [number, number][] =>
    outcome === 1
      ? [[first, second]]
      : outcome === 0
        ? [[second, first]]
        : [
            [first, second],
            [second, first],
          ];
  return reaches(wins) && reaches(row => wins(row).map(([a, b]): [number, number] => [b, a]));
}
