import { rewriting } from "../rewriting.js";

rewriting("translate");
