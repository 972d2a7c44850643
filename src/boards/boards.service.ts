import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { isUniqueViolation } from '../database/unique-violation.js';
import { pageOf, positionByAge, positionIn, type ListQuery, type Page } from '../http/pagination.js';
import { Problem } from '../problems/problem.js';
import { Board } from './board.entity.js';
import type { BoardResponse, BoardChanges, NewBoard } from './board-schemas.js';

/** Boards. The access guard checks the role `admin` before every change. */
@Injectable()
export class BoardsService {
  constructor(@InjectRepository(Board) private readonly boards: Repository<Board>) {}

  /** Returns a page of boards, oldest first. */
  async list({ cursor, limit }: ListQuery): Promise<Page<BoardResponse>> {
    const after = positionIn('boards', cursor);
    const query = this.boards
      .createQueryBuilder('board')
      .orderBy({ 'board.createdAt': 'ASC', 'board.id': 'ASC' })
      .limit(limit + 1);
    if (after !== undefined) {
      query.where('(board.createdAt, board.id) > (:at, :id)', { at: new Date(after.at), id: after.id });
    }
    return pageOf('boards', await query.getMany(), limit, positionByAge, boardResponse);
  }

  /** @throws {Problem} `board_not_found`. */
  async get(slug: string): Promise<Board> {
    const board = await this.boards.findOneBy({ slug });
    if (board === null) throw new Problem('board_not_found');
    return board;
  }

  /** @throws {Problem} `slug_taken`. */
  async create(board: NewBoard): Promise<Board> {
    const id = uuidv7();
    await refuseTakenSlug(this.boards.insert({ id, ...board }));
    return this.boards.findOneByOrFail({ id });
  }

  /** @throws {Problem} `board_not_found`, or `slug_taken` if the new slug belongs to another board. */
  async change(slug: string, changes: BoardChanges): Promise<Board> {
    const { affected } = await refuseTakenSlug(this.boards.update({ slug }, changes));
    if (affected === 0) throw new Problem('board_not_found');
    return this.get(changes.slug ?? slug);
  }

  /** @throws {Problem} `board_not_found`, or `board_not_empty` while the board has posts. */
  async delete(slug: string): Promise<void> {
    const { affected } = await this.boards.delete({ slug, postCount: 0 });
    if (affected === 0) {
      await this.get(slug);
      throw new Problem('board_not_empty');
    }
  }
}

export function boardResponse({ slug, title, description, postCount, createdAt }: Board): BoardResponse {
  return { slug, title, description, postCount, createdAt: createdAt.toISOString() };
}

/** Maps a violation of the unique index to `slug_taken`. No query checks beforehand, so concurrent requests are safe. */
async function refuseTakenSlug<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('slug_taken', { cause: error });
    throw error;
  }
}
