/** Calls a listener. One that throws must not keep the others from hearing; its error is still reported as uncaught. */
export function notify<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
