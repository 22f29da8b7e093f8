/** Whether two types are the same, not only assignable to each other. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles for `true` alone. */
export function is<_T extends true>(): void {}

/** Compiles where nothing is left: at the end of a `switch` that has had every case. */
export function never(value: never): never {
  throw new Error(`not a case: ${value}`);
}
