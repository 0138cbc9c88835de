/** What a shot sweep tries where nothing is said, and its bounds. */

export const defaultSweep = { shots: [0, 1, 2, 4, 8], orders: 3 } as const;

export const MostSweptShots = 1000;
