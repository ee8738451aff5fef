import { DatabaseSync as Real, type DatabaseSyncOptions, type StatementSync } from "node:sqlite";
import { mountedMachine } from "./mounted.ts";

/**
 * Stands for SQLite's database where the cache opens one: its transactions may fail as they begin and
 * as they are committed, and it is closed when its process dies, which rolls back and drops locks.
 * What it has in its files is SQLite's own business.
 */
export function DatabaseSync(path: string, options: DatabaseSyncOptions): Real {
  const machine = mountedMachine();
  const process = machine.current();
  if (process?.isDead === true) throw Object.assign(new Error("dead"), { code: "EIO" });
  const database = new Real(path, options);
  const prepare = database.prepare.bind(database);
  const close = database.close.bind(database);
  const handle = {
    close() {
      process?.databases.delete(handle);
      if (database.isOpen) close();
    },
  };
  process?.databases.add(handle);
  database.close = () => {
    process?.databases.delete(handle);
    close();
  };
  database.prepare = (sql) => {
    const statement = prepare(sql);
    return sql === "BEGIN IMMEDIATE" || sql === "COMMIT" ? stepped(statement, sql) : statement;
  };
  return database;

  function stepped(statement: StatementSync, sql: string): StatementSync {
    const run = statement.run.bind(statement);
    // Neither of the two takes values.
    statement.run = () => machine.callNow("transaction", sql, () => run());
    return statement;
  }
}
