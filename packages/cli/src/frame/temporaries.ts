import { unlinkSync } from "node:fs";

/** Files that must not outlive the process, however it is ended. */
export interface Temporaries {
  add(path: string): void;
  /** To be called once the file is gone, or has got its name. */
  remove(path: string): void;
  /** Removes all that are left, at once: there is no time for promises when the process ends. */
  removeAll(): void;
}

export function createTemporaries(): Temporaries {
  const paths = new Set<string>();
  return {
    add: (path) => void paths.add(path),
    remove: (path) => void paths.delete(path),
    removeAll() {
      for (const path of paths) {
        try {
          unlinkSync(path);
        } catch {
          // It is gone already, or the folder is: nothing is left to do.
        }
      }
      paths.clear();
    },
  };
}
