import Expressions

/// What an expression gave for each row, or for all of them.
enum Evaluated {
    case constant(Value)
    case doubles([Double])
    case integers([Int64])
    case bools([Bool])
    case values([Value])
}
