/** The blanked build of `op.ts`: an operation is done when its function returns. */
export type Op<T> = T;
