import { z } from 'zod';
import { orNotFound } from '../problems/or-not-found.js';
import { slug } from './board-schemas.js';

/** Pipes for path parameters. A malformed parameter gives 404, as an unknown one does. */
export const boardSlugParam = orNotFound(slug, 'board_not_found');
export const postIdParam = orNotFound(z.uuid(), 'post_not_found');
export const commentIdParam = orNotFound(z.uuid(), 'comment_not_found');
