// Hot path: runs for every batch of changes.

/** A derived collection that has unprocessed input. `height` is above that of all its sources. */
export interface PropagationNode {
  readonly height: number;
  /** Processes all its pending input and emits at most one batch. */
  flush(): void;
}

const dirty = new Set<PropagationNode>();
let notifications: (() => void)[] = [];
let depth = 0;
let running = false;

/** Puts a node in line; it is flushed once, after all nodes below it. */
export function markDirty(node: PropagationNode): void {
  dirty.add(node);
  if (depth === 0 && !running) propagate();
}

/** Calls back when no collection has unprocessed input any more, so that listeners see one moment. */
export function notifyLater(notification: () => void): void {
  notifications.push(notification);
  if (depth === 0 && !running) propagate();
}

/** Runs `change`, and only then lets its consequences spread: several changes are one batch. */
export function inBatch(change: () => void): void {
  depth++;
  try {
    change();
  } finally {
    depth--;
    if (depth === 0 && !running) propagate();
  }
}

function propagate(): void {
  running = true;
  let failure: { readonly error: unknown } | undefined;
  const attempt = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      // One failing listener must not leave the other collections half updated.
      failure ??= { error };
    }
  };
  while (dirty.size > 0 || notifications.length > 0) {
    if (dirty.size > 0) {
      let lowest: PropagationNode | undefined;
      for (const node of dirty) if (lowest === undefined || node.height < lowest.height) lowest = node;
      if (lowest === undefined) break;
      dirty.delete(lowest);
      const next = lowest;
      attempt(() => next.flush());
    } else {
      const batch = notifications;
      notifications = [];
      for (const notification of batch) attempt(notification);
    }
  }
  running = false;
  if (failure !== undefined) throw failure.error;
}
