import type { App, Event } from 'electron';

/**
 * Lets a refresh land before the app quits. An answer that finds nobody would leave its session in doubt: a refresh token
 * that serves once is then neither known to be spent nor sent again, and every start begins with a refresh.
 *
 * Quitting is held up only while one is under way, by 5 seconds at most, and then goes on. Answers the call that stops this.
 */
export function landBeforeQuit(
  app: App,
  isRefreshing: () => boolean,
  close: () => Promise<void>,
): () => void {
  const hold = (event: Event) => {
    if (!isRefreshing()) return;
    event.preventDefault();
    stop();
    void close().finally(() => app.quit());
  };
  const stop = () => app.off('will-quit', hold);
  app.on('will-quit', hold);
  return stop;
}
