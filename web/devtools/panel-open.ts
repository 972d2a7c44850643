import { makeStore } from '../state/store.js';

const open = makeStore(false);

export function togglePanel(): void {
  open.set(!open.get());
}

export const usePanelOpen = open.use;
