/// Sets of rows as ascending lists without repeats.
enum RowList {
    /// Whether a list has a row.
    static func contains(_ row: Int, in rows: [Int]) -> Bool {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low < rows.count && rows[low] == row
    }

    /// The positions, in one list, of those of its elements that another list has too.
    static func positions(of wanted: [Int], in rows: [Int]) -> [Int] {
        if wanted.isEmpty { return [] }
        var positions: [Int] = []
        var next = 0
        for (position, row) in rows.enumerated() {
            while next < wanted.count, wanted[next] < row { next += 1 }
            if next == wanted.count { break }
            if wanted[next] == row { positions.append(position) }
        }
        return positions
    }

    /// What either list has.
    static func union(_ first: [Int], _ second: [Int]) -> [Int] {
        if first.isEmpty { return second }
        if second.isEmpty { return first }
        var result: [Int] = []
        result.reserveCapacity(first.count + second.count)
        var left = 0
        var right = 0
        while left < first.count, right < second.count {
            let row = min(first[left], second[right])
            if first[left] == row { left += 1 }
            if second[right] == row { right += 1 }
            result.append(row)
        }
        result.append(contentsOf: first[left...])
        result.append(contentsOf: second[right...])
        return result
    }

    /// What the first list has and the second has not.
    static func subtracting(_ first: [Int], _ second: [Int]) -> [Int] {
        if second.isEmpty || first.isEmpty { return first }
        var result: [Int] = []
        result.reserveCapacity(first.count)
        var next = 0
        for row in first {
            while next < second.count, second[next] < row { next += 1 }
            if next == second.count || second[next] != row { result.append(row) }
        }
        return result
    }
}
