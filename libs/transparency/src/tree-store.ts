import type { Pool, PoolClient } from 'pg';
import { HASH_BYTES, type NodeReader, type TreeNode } from './merkle.js';
import { nodeInTile, type Run, TILE_WIDTH, type Tile, tileOf } from './tiles.js';

/** A signed head as it was published. */
export interface Head {
  readonly size: number;
  /** ISO 8601 UTC, by the platform's clock. */
  readonly signedAt: string;
  /** The C2SP checkpoint. */
  readonly note: string;
}

const SIZE = `select first + octet_length(hashes) / 32 as size
  from log_tree_runs where log = $1 and level = 0 order by first desc limit 1`;
const TILES = `select wanted.level, wanted.tile, r.first, r.hashes
  from unnest($2::smallint[], $3::bigint[]) as wanted (level, tile)
  join log_tree_runs r
    on r.log = $1 and r.level = wanted.level
   and r.first >= wanted.tile * ${TILE_WIDTH} and r.first < (wanted.tile + 1) * ${TILE_WIDTH}
 order by wanted.level, wanted.tile, r.first`;
const INSERT_RUNS = `insert into log_tree_runs (log, level, first, hashes)
  select $1, * from unnest($2::smallint[], $3::bigint[], $4::bytea[])`;
const HEADS = `select size, signed_at as "signedAt", note from log_heads where log = $1`;

interface TileRow {
  level: number;
  tile: string;
  first: string;
  hashes: Buffer;
}

/** The stored tree of one log, in the schema of its service. */
export class TreeStore implements NodeReader {
  constructor(
    private readonly pool: Pool,
    readonly log: number,
  ) {}

  /** How many leaves are stored. */
  async size(client: Pool | PoolClient = this.pool): Promise<number> {
    const { rows } = await client.query<{ size: string }>(SIZE, [this.log]);
    return Number(rows[0]?.size ?? 0);
  }

  /** One query, however many nodes. */
  async read(nodes: readonly TreeNode[]): Promise<readonly Buffer[]> {
    const tiles = await this.tiles(nodes.map(tileOf));
    return nodes.map((node) => {
      const hash = nodeInTile(node, tiles.get(keyOf(tileOf(node))) ?? Buffer.alloc(0));
      if (!hash) throw new Error(`the tree of log ${this.log} holds no node ${node.level}/${node.index}`);
      return hash;
    });
  }

  async append(client: PoolClient, runs: readonly Run[]): Promise<void> {
    const values = [runs.map(({ level }) => level), runs.map(({ first }) => first), runs.map(({ hashes }) => hashes)];
    await client.query(INSERT_RUNS, [this.log, ...values]);
  }

  /** The newest head. */
  async lastHead(client: Pool | PoolClient = this.pool): Promise<Head | undefined> {
    const { rows } = await client.query<HeadRow>(`${HEADS} order by size desc limit 1`, [this.log]);
    return rows.map(toHead)[0];
  }

  /** Heads of more than `after` leaves, the smallest first. */
  async heads(after: number, limit: number): Promise<readonly Head[]> {
    const { rows } = await this.pool.query<HeadRow>(`${HEADS} and size > $2 order by size limit $3`, [
      this.log,
      after,
      limit,
    ]);
    return rows.map(toHead);
  }

  async headOf(size: number): Promise<Head | undefined> {
    const { rows } = await this.pool.query<HeadRow>(`${HEADS} and size = $2`, [this.log, size]);
    return rows.map(toHead)[0];
  }

  async addHead(client: PoolClient, { size, signedAt, note }: Head): Promise<void> {
    const insert = 'insert into log_heads (log, size, signed_at, note) values ($1, $2, $3, $4)';
    await client.query(insert, [this.log, size, signedAt, note]);
  }

  private async tiles(wanted: readonly Tile[]): Promise<ReadonlyMap<string, Buffer>> {
    const once = [...new Map(wanted.map((tile) => [keyOf(tile), tile])).values()];
    if (once.length === 0) return new Map();
    const values = [this.log, once.map(({ level }) => level), once.map(({ index }) => index)];
    const { rows } = await this.pool.query<TileRow>(TILES, values);
    const parts = new Map<string, Buffer[]>();
    const lengths = new Map<string, number>();
    for (const { level, tile, first, hashes } of rows) {
      const key = keyOf({ level, index: Number(tile) });
      const length = lengths.get(key) ?? 0;
      if (Number(first) !== Number(tile) * TILE_WIDTH + length) {
        throw new Error(`the tree of log ${this.log} has a hole or an overlap before ${level}/${first}`);
      }
      lengths.set(key, length + hashes.length / HASH_BYTES);
      parts.set(key, [...(parts.get(key) ?? []), hashes]);
    }
    return new Map([...parts].map(([key, buffers]) => [key, Buffer.concat(buffers)]));
  }
}

interface HeadRow {
  size: string;
  signedAt: Date;
  note: string;
}

function toHead({ size, signedAt, note }: HeadRow): Head {
  return { size: Number(size), signedAt: signedAt.toISOString(), note };
}

function keyOf({ level, index }: Tile): string {
  return `${level}/${index}`;
}
